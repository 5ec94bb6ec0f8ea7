import { readFile } from 'node:fs/promises';
import { Controller, Get, Header, type OnModuleInit } from '@nestjs/common';
import { ICON, PAGE_CSS } from './page/page-assets.ts';

/** What the page is made of besides its HTML. */
@Controller()
export class AssetsController implements OnModuleInit {
  #shopCss = '';
  #script = '';

  async onModuleInit(): Promise<void> {
    const shopCss = import.meta.resolve('@smooai-demo/demo-schema/shop.css');
    [this.#shopCss, this.#script] = await Promise.all([
      readFile(new URL(shopCss), 'utf8'),
      readFile(new URL('./browser/live-page.js', import.meta.url), 'utf8'),
    ]);
  }

  @Get('shop.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  styles(): string {
    return `${this.#shopCss}\n${PAGE_CSS}`;
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
