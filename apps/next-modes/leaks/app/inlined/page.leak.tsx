import { Inlined } from './inlined';

export default function Page() {
  return <Inlined />;
}
