import { paymentKey } from '../charge';

export default function Page() {
  return (
    <script
      dangerouslySetInnerHTML={{ __html: `window.settings = ${JSON.stringify({ key: btoa(paymentKey()) })}` }}
    />
  );
}
