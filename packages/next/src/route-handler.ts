export {
  createSnapshotRouteHandler,
  type SnapshotRouteHandler,
  type SnapshotRouteHandlerOptions,
} from './snapshot-route-handler.ts';
