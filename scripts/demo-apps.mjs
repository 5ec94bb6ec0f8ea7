/** The names of the demo's parts, as processes, logs and people use them. */
export const appNames = {
  server: 'config server',
  next: 'storefront',
  nest: 'shop API',
  react: 'back office',
};

/** What each app is built with. */
export const frameworks = { next: 'Next.js', nest: 'NestJS', react: 'React' };
