import { Commented } from './commented';

export default function Page() {
  return <Commented />;
}
