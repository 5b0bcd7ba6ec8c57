import deal from './tabs/1-deal.graphql?raw'
import project from './tabs/2-project.graphql?raw'
import overdue from './tabs/3-overdue.graphql?raw'
import margins from './tabs/4-margins.graphql?raw'
import owners from './tabs/5-owners.graphql?raw'
import demo from './tabs/demo.json'

export interface Tab {
  query: string
  variables?: string
}

/** The shared ID of a project that the demo has, for the tabs that ask by ID. */
const byId = JSON.stringify(demo, null, 2)

/** What the page opens on. A tab is titled by its operation's name. */
export const tabs: [Tab, ...Tab[]] = [
  { query: deal, variables: byId },
  { query: project, variables: byId },
  { query: overdue },
  { query: margins },
  { query: owners },
]
