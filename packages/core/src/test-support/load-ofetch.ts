import { loadOfetch } from '../http/ofetch.ts';

// Loaded before any test: with fake timers, the first request would time out before Node has read the files.
await loadOfetch();
