import { readFile } from 'node:fs/promises';
import { Controller, Get, Header, type OnModuleInit } from '@nestjs/common';
import { ICON, PAGE_CSS } from './page/page-assets.ts';

/** Serves the page's styles, script and icon. */
@Controller()
export class AssetsController implements OnModuleInit {
  #styles = '';
  #script = '';

  async onModuleInit(): Promise<void> {
    const shared = ['shop.css', 'controls.css'].map((file) =>
      readFile(new URL(import.meta.resolve(`@smooai-demo/demo-schema/${file}`)), 'utf8'),
    );
    this.#styles = [...(await Promise.all(shared)), PAGE_CSS].join('\n');
    this.#script = await readFile(new URL('./browser/live-page.js', import.meta.url), 'utf8');
  }

  @Get('shop.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  styles(): string {
    return this.#styles;
  }

  @Get('live-page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  script(): string {
    return this.#script;
  }

  @Get('icon.svg')
  @Header('Content-Type', 'image/svg+xml')
  @Header('Cache-Control', 'max-age=3600')
  icon(): string {
    return ICON;
  }
}
