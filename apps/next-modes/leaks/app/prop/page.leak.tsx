import { Card } from '../card';
import { paymentKey } from '../charge';

export default function Page() {
  return <Card account={{ key: paymentKey() }} />;
}
