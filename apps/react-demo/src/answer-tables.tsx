import type { Evaluation } from '@smooai/config/browser';
import { useFlagDetails, useLimitDetails, usePublic } from '@smooai/config-react';
import type { ReactElement, ReactNode } from 'react';
import { ShownValue } from './shown-value.tsx';

/** The flags, with how each answer came about. */
export function FlagTable(): ReactElement {
  const newCheckout = useFlagDetails('newCheckout');
  const theme = useFlagDetails('theme');
  const freeShipping = useFlagDetails('freeShipping');
  return (
    <Answers title="Flags">
      <Answer
        testId="flag-newCheckout"
        name="newCheckout"
        answer={newCheckout}
        meaning={newCheckout?.value ? 'Pays in one step' : 'Pays in two steps'}
      />
      <Answer
        testId="flag-freeShipping"
        name="freeShipping"
        answer={freeShipping}
        meaning={freeShipping?.value ? 'Ships for free' : 'Pays for shipping'}
      />
      <Answer
        testId="flag-theme"
        name="theme"
        answer={theme}
        meaning={theme?.value === 'dark' ? 'The shop by night' : 'The shop by day'}
      />
    </Answers>
  );
}

/** The limits, with how each answer came about. */
export function LimitTable(): ReactElement {
  const cartItems = useLimitDetails('cartItems');
  return (
    <Answers title="Limits">
      <Answer
        testId="limit-cartItems"
        name="cartItems"
        answer={cartItems}
        meaning="Most items in one order, of at most 100"
      />
    </Answers>
  );
}

/** The public values, which are the same for every shopper. */
export function PublicTable(): ReactElement {
  const supportEmail = usePublic('supportEmail');
  const apiBaseUrl = usePublic('apiBaseUrl');
  return (
    <Answers title="Public values">
      <Row
        testId="public-supportEmail"
        name="supportEmail"
        value={supportEmail}
        why={<Why text="Everyone" />}
        meaning="Where shoppers write to"
      />
      <Row
        testId="public-apiBaseUrl"
        name="apiBaseUrl"
        value={apiBaseUrl}
        why={<Why text="Everyone" />}
        meaning="The shop’s own API"
      />
    </Answers>
  );
}

function Answers({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <section className="panel" aria-label={title}>
      <div className="panel-head">
        <h2>{title}</h2>
      </div>
      <table className="table">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Answer</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

interface AnswerProps {
  testId: string;
  name: string;
  /** What the answer means in the shop. */
  meaning: string;
  answer: Evaluation<unknown> | undefined;
}

function Answer({ answer, ...row }: AnswerProps): ReactElement {
  return (
    <Row {...row} value={answer?.value} why={answer === undefined ? null : <Reason answer={answer} />} />
  );
}

interface RowProps extends Omit<AnswerProps, 'answer'> {
  value: unknown;
  why: ReactNode;
}

function Row({ testId, name, meaning, value, why }: RowProps): ReactElement {
  return (
    <tr>
      <th scope="row">
        <code className="key">{name}</code>
        <span className="small muted meaning">{meaning}</span>
      </th>
      <td>
        <ShownValue testId={testId} value={value} />
      </td>
      <td className="why">{why}</td>
    </tr>
  );
}

/** Which part of the targeting gave the answer, as the config server tells it. */
function Reason({ answer }: { answer: Evaluation<unknown> }): ReactElement {
  const { source, matchedRuleId, rolloutBucket } = answer;
  const bucket = rolloutBucket === undefined ? undefined : `bucket ${rolloutBucket} of 100`;
  if (source === 'raw') return <Why text="Everyone" />;
  if (source === 'rule') return <Why text="Rule" detail={matchedRuleId} />;
  if (source === 'rollout')
    return <Why text="Rollout" detail={matchedRuleId ? `${matchedRuleId}, ${bucket}` : bucket} />;
  return <Why text="Default" detail={bucket} />;
}

function Why({ text, detail }: { text: string; detail?: string | undefined }): ReactElement {
  return (
    <>
      <span className="badge">{text}</span>
      {detail !== undefined && <span className="small muted detail">{detail}</span>}
    </>
  );
}
