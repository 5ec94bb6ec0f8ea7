'use client';
import { config } from '../schema';

export function Names() {
  return <p>{[...config.keys.keys()].length}</p>;
}
