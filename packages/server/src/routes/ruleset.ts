import type { FastifyInstance } from 'fastify';
import { matchesEtag } from '../http/etag.ts';
import type { ServerContext } from '../http/server-context.ts';
import { json, noBody, ref } from './api-schemas.ts';
import { CONFIG_PATH, principalOf, type RulesetQuery, rulesetQuery } from './config-request.ts';

const schema = {
  operationId: 'getRuleset',
  summary: 'All stored values with their targeting, for servers',
  querystring: rulesetQuery,
  response: {
    200: json('The ruleset, with an ETag', ref('Ruleset')),
    304: noBody('The client has this revision'),
  },
};

/** `…/config/ruleset`: all stored values with their targeting, for servers only. */
export function registerRulesetRoutes(app: FastifyInstance, { service, guard }: ServerContext): void {
  app.get<{ Querystring: RulesetQuery }>(
    `${CONFIG_PATH}/ruleset`,
    { onRequest: guard({ scope: 'config:read' }), schema },
    async (request, reply) => {
      const { 'if-none-match': known } = request.headers;
      const { environment, epoch } = request.query;
      const view = await service.viewSince(principalOf(request), environment, revisionOf(known));
      const etag = `"${view.revision}"`;
      // It contains secrets: only the client itself may store it, and must revalidate it before each use.
      void reply.headers({ etag, 'cache-control': 'private, no-cache', vary: 'Authorization' });
      // The same revision of another epoch may have other values.
      const isSameEpoch = (epoch ?? view.epoch) === view.epoch;
      if (isSameEpoch && matchesEtag(known, etag)) return reply.code(304).send();
      return reply.type('application/json; charset=utf-8').send(view.rulesetJson);
    },
  );
}

/** The revision that a client has; undefined for none, or for several. */
function revisionOf(etag: string | undefined): number | undefined {
  const digits = /^(?:W\/)?"(\d{1,15})"$/.exec(etag ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
