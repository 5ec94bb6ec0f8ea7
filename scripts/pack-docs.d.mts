export function packDocs(name: string): void;
