import { type Filter, FILTERS } from './feed'

/** What the page shows. All of it is in the page's address, so that it can be shared and the back button works. */
export interface View {
  /** Of the report; none: the first. */
  name?: string
  filter: Filter
  /** The column by which rows are ordered, with a "-" before it if downwards; none: as the report orders them. */
  sort?: string
  /** The column whose figures are drawn; none: the report's own. */
  draw?: string
}

export function readView(search: string): View {
  const query = new URLSearchParams(search)
  const text = (name: string) => query.get(name)?.trim() || undefined
  const filter: Filter = {}
  for (const name of FILTERS) {
    const value = text(name)
    if (value) filter[name] = value
  }
  return { name: text('name'), filter, sort: text('sort'), draw: text('draw') }
}

export function writeView({ name, filter, sort, draw }: View): string {
  const given = Object.entries({ name, ...filter, sort, draw }).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const query = new URLSearchParams(given).toString()
  return `/reports${query && `?${query}`}`
}
