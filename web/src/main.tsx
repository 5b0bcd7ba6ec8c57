import './workers'
import './style'

import { explorerPlugin } from '@graphiql/plugin-explorer'
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql'
import { createRoot } from 'react-dom/client'

import { exampleProject } from './example'
import { fetcher } from './fetcher'
import { linked } from './link'
import { Logo } from './logo'
import { firstVisit, openFirst, storage } from './storage'
import { readyMade, type Tabs } from './tabs'

const root = document.getElementById('graphiql')
if (!root) throw new Error('the page has no #graphiql')

let tabs: Tabs | undefined
const asked = linked()
if (firstVisit()) {
  const ready = readyMade(await exampleProject())
  tabs = asked ? [asked, ...ready] : ready
  openFirst(tabs[0])
} else if (asked) {
  openFirst(asked)
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
