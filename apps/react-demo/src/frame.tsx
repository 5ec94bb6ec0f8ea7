import type { ReactElement, ReactNode } from 'react';

/** The layout of every view: the header, with `aside` at its end, and the page. */
export function Frame({ aside, children }: { aside?: ReactNode; children?: ReactNode }): ReactElement {
  return (
    <>
      <header className="masthead">
        <div className="row spread">
          <a className="brand" href="/">
            Tarn <small>Back office</small>
          </a>
          <div className="row">{aside}</div>
        </div>
      </header>
      <main className="page stack">{children}</main>
    </>
  );
}
