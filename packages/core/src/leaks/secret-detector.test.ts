import { describe, expect, it } from 'vitest';
import { SecretDetector } from '../leak-scan.ts';

const value = 'k"y/&<é> 12+34';
const values = [{ key: 'paymentKey', value }];

describe('SecretDetector', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it('finds a value once in each text, wherever its chunks end', () => {
    const detector = new SecretDetector();
    detector.add(values);
    for (let cut = 0; cut <= value.length; cut++) {
      const push = detector.stream();
      const found = [`a${value.slice(0, cut)}`, value.slice(cut), value].flatMap((chunk) =>
        push(bytes(chunk)),
      );
      expect(found, String(cut)).toEqual([{ key: 'paymentKey', form: 'plain' }]);
    }
  });

  it('finds a value byte by byte, and not across two texts', () => {
    const detector = new SecretDetector();
    detector.add(values);
    const push = detector.stream();
    expect([...bytes(value)].flatMap((byte) => push(Uint8Array.of(byte)))).toHaveLength(1);
    expect(detector.stream()(bytes(value.slice(0, 5)))).toEqual([]);
    expect(detector.stream()(bytes(value.slice(5)))).toEqual([]);
  });

  it('takes further values, and finds nothing without any', () => {
    const detector = new SecretDetector();
    expect(detector.stream()(bytes(value))).toEqual([]);
    detector.add(values);
    detector.add([...values, { key: 'password', value: 'another-secret' }]);
    expect(
      detector
        .stream()(bytes(`another-secret ${value}`))
        .map(({ key }) => key),
    ).toEqual(['password', 'paymentKey']);
  });

  it('takes a secret as a program reads it', () => {
    const detector = new SecretDetector();
    detector.addRead('account', { user: 'the-user-name', id: 12 });
    detector.addRead('paymentKey', undefined);
    detector.addRead('password', 'short');
    expect(detector.stream()(bytes('short the-user-name'))).toEqual([{ key: 'account', form: 'plain' }]);
  });
});
