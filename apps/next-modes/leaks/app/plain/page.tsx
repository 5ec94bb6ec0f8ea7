import { chargeable } from '../charge';

export default function Page() {
  return <p>Payments: {chargeable() ? 'on' : 'off'}</p>;
}
