/** What the gateway's report feeds answer: `GET /reports` and `GET /reports/{name}`. */
import { signedFetch } from '../sign-in'

export type Kind = 'text' | 'count' | 'amount' | 'percent' | 'number' | 'date' | 'moment' | 'flag'

export interface Column {
  name: string
  label: string
  kind: Kind
  description: string
}

export interface Report {
  name: string
  title: string
  question: string
  chart: { label: string; value: string } | null
  columns: Column[]
}

/** Numbers are the texts that the gateway sent: a float would round them. */
export type Cell = string | boolean | null
export type Row = Record<string, Cell>

export interface Answer {
  rows: Row[]
  /** When the oldest value in it was read, and how old it was on arrival, in seconds. */
  asOf: Date | null
  age: number
  arrived: number
  completeness: Completeness | null
  /** The exchange rates, if something was converted by them. */
  rates: Rates | null
}

export interface Rates {
  base: string
  date: string
  source: string
}

export interface Completeness {
  included: number
  excluded: number
  reasons: string[]
}

/** Why there is no answer, for a person to read. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly code?: string,
    readonly requestId?: string,
    /** Seconds after which asking again makes sense. */
    readonly retryAfter?: number,
    /** Whether another question would be answered: the filters or the name are at fault, no system. */
    readonly ofReader = false,
  ) {
    super(message)
  }
}

/** The parameters of a report that choose what it is about. */
export const FILTERS = ['currency', 'from', 'to', 'status', 'vertical', 'deal_type', 'pipeline'] as const
export type Filter = Partial<Record<(typeof FILTERS)[number], string>>

/** The ready reports, and what the parameters mean. */
export interface Catalogue {
  reports: Report[]
  parameters: { name: string; description: string }[]
}

export async function catalogue(): Promise<Catalogue> {
  return (await get('/reports')).body as Catalogue
}

/** The address of a report as a feed. */
export function address(name: string, format: string, filter: Filter): string {
  const query = new URLSearchParams(filter).toString()
  return `/reports/${name}.${format}${query && `?${query}`}`
}

/** A report as a file. */
export async function file(url: string): Promise<Blob> {
  const response = await signedFetch(url)
  if (!response.ok) throw new Problem(`HTTP ${response.status} ${response.statusText}`)
  return response.blob()
}

/** A report's rows. `fresh`: none older than this request. */
export async function rows(name: string, filter: Filter, fresh: boolean, signal: AbortSignal): Promise<Answer> {
  const query = new URLSearchParams({ format: 'json', ...filter })
  // `reload` sends `Cache-Control: no-cache`, which the gateway heeds too.
  const { headers, body } = await get(`/reports/${name}?${query}`, { cache: fresh ? 'reload' : 'default', signal })
  const asOf = headers.get('x-as-of')
  return {
    rows: body as Row[],
    asOf: asOf ? new Date(asOf) : null,
    age: Number(headers.get('age') ?? 0),
    arrived: Date.now(),
    completeness: completeness(headers.get('x-completeness')),
    rates: rates(headers.get('x-currency-rates')),
  }
}

async function get(url: string, options: RequestInit = {}): Promise<{ headers: Headers; body: unknown }> {
  let response, text
  try {
    response = await signedFetch(url, { headers: { Accept: 'application/json' }, ...options })
    text = await response.text()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Problem('The gateway cannot be reached.')
  }
  const { status, headers } = response
  let body
  try {
    body = parse(text)
  } catch {
    // Something in between answered, a proxy or a sign-in page.
    throw new Problem(`HTTP ${status} ${response.statusText}: the answer is not JSON.`)
  }
  if (response.ok) return { headers, body }
  const [error] = (body as { errors?: { message: string; extensions?: { code?: string; requestId?: string } }[] }).errors ?? []
  const wait = Number(headers.get('retry-after') ?? NaN)
  throw new Problem(
    error?.message ?? `HTTP ${status} ${response.statusText}`,
    error?.extensions?.code ?? `HTTP ${status}`,
    error?.extensions?.requestId ?? headers.get('x-request-id') ?? undefined,
    Number.isFinite(wait) ? wait : undefined,
    status === 400 || status === 404,
  )
}

/** JSON whose numbers stay the texts they are. */
export function parse(json: string): unknown {
  return JSON.parse(json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') ? token : `"${token}"`)))
}

/** `included=57, excluded=3, reasons=(NOT_LINKED MISSING_AMOUNT)` */
function completeness(header: string | null): Completeness | null {
  if (!header) return null
  const count = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(header)?.[1] ?? 0)
  const reasons = /\breasons=\(([^)]*)\)/.exec(header)?.[1] ?? ''
  return { included: count('included'), excluded: count('excluded'), reasons: reasons.split(' ').filter(Boolean) }
}

/** `base=EUR, date="2026-10-31", source="ECB"`; a source that is no plain ASCII comes as `%"…"`, percent-encoded. */
function rates(header: string | null): Rates | null {
  const [, base, date, encoded, source] = /^base=(\w+), date="([^"]*)", source=(%?)"((?:[^"\\]|\\.)*)"$/.exec(header ?? '') ?? []
  if (!base || !date || source === undefined) return null
  return { base, date, source: encoded ? decodeURIComponent(source) : source.replace(/\\(.)/g, '$1') }
}
