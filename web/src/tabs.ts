import deal from './tabs/1-deal.graphql?raw'
import project from './tabs/2-project.graphql?raw'
import overdue from './tabs/3-overdue.graphql?raw'
import margins from './tabs/4-margins.graphql?raw'
import owners from './tabs/5-owners.graphql?raw'

export interface Tab {
  query: string
  variables?: string
}

export type Tabs = [Tab, ...Tab[]]

/** What the page opens on. A tab is titled by its operation's name; two of them ask by a project's shared ID. */
export function readyMade(id: string): Tabs {
  const variables = JSON.stringify({ id }, null, 2)
  return [{ query: deal, variables }, { query: project, variables }, { query: overdue }, { query: margins }, { query: owners }]
}
