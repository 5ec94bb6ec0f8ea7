import type { Evaluation } from '@smooai/config/browser';
import { useFlagDetails, useLimitDetails, usePublic } from '@smooai/config-react';
import type { ReactElement, ReactNode } from 'react';
import { ShownValue } from './shown-value.tsx';

/** The flags, with the reason for each value. */
export function FlagTable(): ReactElement {
  const newCheckout = useFlagDetails('newCheckout');
  const theme = useFlagDetails('theme');
  const freeShipping = useFlagDetails('freeShipping');
  return (
    <Section title="Flags">
      <EvaluatedRow
        testId="flag-newCheckout"
        name="newCheckout"
        evaluation={newCheckout}
        meaning={newCheckout?.value ? 'Pays in one step' : 'Pays in two steps'}
      />
      <EvaluatedRow
        testId="flag-freeShipping"
        name="freeShipping"
        evaluation={freeShipping}
        meaning={freeShipping?.value ? 'Ships for free' : 'Pays for shipping'}
      />
      <EvaluatedRow
        testId="flag-theme"
        name="theme"
        evaluation={theme}
        meaning={theme?.value === 'dark' ? 'The shop is dark' : 'The shop is light'}
      />
    </Section>
  );
}

/** The limits, with the reason for each value. */
export function LimitTable(): ReactElement {
  const cartItems = useLimitDetails('cartItems');
  return (
    <Section title="Limits">
      <EvaluatedRow
        testId="limit-cartItems"
        name="cartItems"
        evaluation={cartItems}
        meaning="Maximum number of items in an order"
      />
    </Section>
  );
}

/** The public values, which are the same for everyone. */
export function PublicTable(): ReactElement {
  const supportEmail = usePublic('supportEmail');
  const apiBaseUrl = usePublic('apiBaseUrl');
  return (
    <Section title="Public values">
      <Row
        testId="public-supportEmail"
        name="supportEmail"
        value={supportEmail}
        reason={<ReasonBadge text="Everyone" />}
        meaning="The address for questions"
      />
      <Row
        testId="public-apiBaseUrl"
        name="apiBaseUrl"
        value={apiBaseUrl}
        reason={<ReasonBadge text="Everyone" />}
        meaning="The shop’s own API"
      />
    </Section>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <section className="panel" aria-label={title}>
      <div className="panel-head">
        <h2>{title}</h2>
      </div>
      <table className="table">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

interface EvaluatedRowProps {
  testId: string;
  name: string;
  /** What the value means in the shop. */
  meaning: string;
  evaluation: Evaluation<unknown> | undefined;
}

function EvaluatedRow({ evaluation, ...row }: EvaluatedRowProps): ReactElement {
  return <Row {...row} value={evaluation?.value} reason={evaluation && <Reason evaluation={evaluation} />} />;
}

interface RowProps extends Omit<EvaluatedRowProps, 'evaluation'> {
  value: unknown;
  reason: ReactNode;
}

function Row({ testId, name, meaning, value, reason }: RowProps): ReactElement {
  return (
    <tr>
      <th scope="row">
        <code className="key">{name}</code>
        <span className="small muted meaning">{meaning}</span>
      </th>
      <td>
        <ShownValue testId={testId} value={value} />
      </td>
      <td className="reason">{reason}</td>
    </tr>
  );
}

/** The part of the targeting that decided the value. */
function Reason({ evaluation }: { evaluation: Evaluation<unknown> }): ReactElement {
  const { source, matchedRuleId, rolloutBucket } = evaluation;
  const bucket = rolloutBucket === undefined ? undefined : `bucket ${rolloutBucket} of 100`;
  if (source === 'raw') return <ReasonBadge text="Everyone" />;
  if (source === 'rule') return <ReasonBadge text="Rule" detail={matchedRuleId} />;
  if (source === 'rollout')
    return <ReasonBadge text="Rollout" detail={matchedRuleId ? `${matchedRuleId}, ${bucket}` : bucket} />;
  return <ReasonBadge text="Default" detail={bucket} />;
}

function ReasonBadge({ text, detail }: { text: string; detail?: string | undefined }): ReactElement {
  return (
    <>
      <span className="badge">{text}</span>
      {detail !== undefined && <span className="small muted detail">{detail}</span>}
    </>
  );
}
