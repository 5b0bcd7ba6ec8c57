import type { Storage } from '@graphiql/toolkit'
import type { Tab } from './tabs'

// Many gateways run on the same local port, one after the other: a prefix of our own keeps their tabs out of this page.
const PREFIX = 'spine:'

// The history notes the headers of each run, whatever `shouldPersistHeaders` says.
const HISTORY = ['graphiql:queries', 'graphiql:favorites']

/** Where the page keeps tabs, history and settings. Never request headers: tokens stay out of it. */
export const storage: Storage = {
  getItem: (key) => localStorage.getItem(PREFIX + key),
  setItem: (key, value) => localStorage.setItem(PREFIX + key, HISTORY.includes(key) ? withoutHeaders(value) : value),
  removeItem: (key) => localStorage.removeItem(PREFIX + key),
  clear: () => keys().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return keys().length
  },
}

/** Whether this browser keeps no tabs yet. */
export function firstVisit(): boolean {
  return storage.getItem('graphiql:tabState') === null
}

/**
 * Opens `tab`. GraphiQL takes the open tab's editors from these two keys, not from `defaultTabs`: without them the first
 * tab comes up without its variables, and a reload adds an untitled sixth tab.
 */
export function openFirst(tab: Tab): void {
  storage.setItem('graphiql:query', tab.query)
  storage.setItem('graphiql:variables', tab.variables ?? '')
}

function keys(): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))
}

function withoutHeaders(json: string): string {
  return JSON.stringify(JSON.parse(json), (name, value) => (name === 'headers' ? undefined : value))
}
