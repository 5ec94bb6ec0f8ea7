// A browser build must fail here, and the bundler prints the name of the module that it cannot resolve. The name begins
// with this package's own, since Vite lets other unknown modules pass until an export is missed.
import '@smooai/config/server holds secrets: it must not reach a browser. Import @smooai/config/browser, or read the value in a server component or route handler.';
