import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Serves the OpenAPI document. It contains the refusals of `@RequireFlag`, without the names of the flags. */
export function serveOpenApi(app: INestApplication): void {
  const options = new DocumentBuilder().setTitle("The shop's API").build();
  SwaggerModule.setup('openapi', app, () => SwaggerModule.createDocument(app, options), {
    ui: false,
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
  });
}
