import { HttpStatus, RequestMethod } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import type { HostClass } from './hosts.ts';

// Keys of @nestjs/swagger. Setting its metadata needs no import of a package that an application may not have.
const API_RESPONSE = 'swagger/apiResponse';
const PLUGIN_METADATA = '_OPENAPI_METADATA_FACTORY';

type Responses = Record<string, { description: string }>;

/** Adds the statuses of refusals to a route's OpenAPI document, without the names of the flags. */
export function documentRefusals(host: HostClass, handler: object, statuses: readonly number[]): void {
  if (!Reflect.hasMetadata(METHOD_METADATA, handler)) return;
  const known = Reflect.getMetadata(API_RESPONSE, handler) as Responses | undefined;
  // The compiler plugin of @nestjs/swagger adds the type of the response later, but only to a handler without responses.
  if (known === undefined && PLUGIN_METADATA in host) return;
  // A handler that lists responses loses the default one.
  const success = known === undefined ? { [successStatus(handler)]: { description: '' } } : {};
  const refusals = statuses.map((status) => [status, { description: HttpStatus[status] ?? '' }]);
  const responses: Responses = { ...success, ...Object.fromEntries(refusals), ...known };
  Reflect.defineMetadata(API_RESPONSE, responses, handler);
}

function successStatus(handler: object): number {
  const status = Reflect.getMetadata(HTTP_CODE_METADATA, handler) as number | undefined;
  const isPost = Reflect.getMetadata(METHOD_METADATA, handler) === RequestMethod.POST;
  return status ?? (isPost ? HttpStatus.CREATED : HttpStatus.OK);
}
