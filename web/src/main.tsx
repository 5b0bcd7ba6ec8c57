import './workers'
import './style'

import { explorerPlugin } from '@graphiql/plugin-explorer'
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql'
import { createRoot } from 'react-dom/client'

import { exampleProject } from './example'
import { fetcher } from './fetcher'
import { Logo } from './logo'
import { firstVisit, openFirst, storage } from './storage'
import { readyMade, type Tabs } from './tabs'

const root = document.getElementById('graphiql')
if (!root) throw new Error('the page has no #graphiql')

let tabs: Tabs | undefined
if (firstVisit()) {
  tabs = readyMade(await exampleProject())
  openFirst(tabs[0])
}

// No `defaultTheme`: the page follows the system until the reader chooses otherwise.
createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    defaultTabs={tabs}
    plugins={[explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN]}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>
      <Logo />
    </GraphiQL.Logo>
  </GraphiQL>,
)
