export { Layout as default } from '../../shared/layout';
