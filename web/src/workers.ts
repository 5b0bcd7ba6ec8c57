import type { Environment } from 'monaco-editor'
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker'
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker'
import GraphqlWorker from 'monaco-graphql/esm/graphql.worker.js?worker'

declare global {
  interface Window {
    MonacoEnvironment?: Environment
  }
}

// As `graphiql/setup-workers/vite`, without its lines in the console.
window.MonacoEnvironment = {
  getWorker(_id, label) {
    if (label === 'graphql') return new GraphqlWorker()
    if (label === 'json') return new JsonWorker()
    return new EditorWorker()
  },
}
