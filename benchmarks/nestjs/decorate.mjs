/** Makes a controller without a compiler: decorators are applied as TypeScript applies them. */
export function controllerOf({ Controller, Get }, { method = [], parameters = [], read }) {
  class BenchController {}
  BenchController.prototype.read = read;
  parameters.forEach((decorate, index) => {
    decorate(BenchController.prototype, 'read', index);
  });
  const descriptor = Object.getOwnPropertyDescriptor(BenchController.prototype, 'read');
  for (const decorate of [...method, Get('read')]) decorate(BenchController.prototype, 'read', descriptor);
  Controller()(BenchController);
  return BenchController;
}
