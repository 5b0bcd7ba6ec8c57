import { h } from './dom'
import { isSignedIn } from '../sign-in'
import { address, file, type Column, type Filter, type Kind, type Report } from './feed'

interface Way {
  name: string
  hint: string
  text: string
}

/** How other tools read this report, with the same filters. */
export function elsewhere(report: Report, filter: Filter): HTMLElement {
  const ways = snippets(report, filter, location.origin)
  const panels = ways.map(({ name, hint, text }, index) =>
    h('div', { role: 'tabpanel', id: `way-${index}`, 'aria-labelledby': `tab-${index}`, hidden: index > 0 },
      h('p', { class: 'muted' }, hint),
      h('div', { class: 'snippet' }, h('pre', { tabindex: 0, 'aria-label': name }, h('code', {}, text)), copyButton(text))))
  const tabs = ways.map(({ name }, index) =>
    h('button', {
      type: 'button', role: 'tab', id: `tab-${index}`, 'aria-controls': `way-${index}`, 'aria-selected': String(index === 0),
      tabindex: index ? -1 : 0, click: () => open(index),
    }, name))
  const open = (chosen: number) => {
    tabs.forEach((tab, index) => {
      tab.setAttribute('aria-selected', String(index === chosen))
      tab.tabIndex = index === chosen ? 0 : -1
    })
    panels.forEach((panel, index) => (panel.hidden = index !== chosen))
  }
  const step = (event: Event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[(event as KeyboardEvent).key]
    if (!by) return
    const next = (tabs.findIndex((tab) => tab.tabIndex === 0) + by + tabs.length) % tabs.length
    open(next)
    tabs[next]?.focus()
  }
  return h('section', { class: 'card elsewhere', 'aria-labelledby': 'elsewhere' },
    h('header', {},
      h('h2', { id: 'elsewhere' }, 'Use it elsewhere'),
      h('span', { class: 'downloads' }, ...['csv', 'parquet'].map((format) =>
        h('a', { class: 'button', href: address(report.name, format, filter), download: `${report.name}.${format}`, click: download },
          `Download ${format === 'csv' ? 'CSV' : 'Parquet'}`)))),
    h('div', { role: 'tablist', 'aria-label': 'Tools', keydown: step }, ...tabs),
    ...panels)
}

/** A link alone would ask as nobody. */
async function download(event: Event): Promise<void> {
  if (!isSignedIn()) return
  event.preventDefault()
  const link = event.currentTarget as HTMLAnchorElement
  try {
    const url = URL.createObjectURL(await file(link.href))
    h('a', { href: url, download: link.download }).click()
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  } catch (error) {
    link.textContent = `Download failed: ${error instanceof Error ? error.message : 'unknown'}`
  }
}

function copyButton(text: string): HTMLElement {
  const button = h('button', { type: 'button', class: 'copy', 'aria-live': 'polite', click: async () => {
    button.textContent = (await copy(text)) ? 'Copied' : 'Select it and copy'
    setTimeout(() => (button.textContent = 'Copy'), 2000)
  } }, 'Copy')
  return button
}

/** Browsers give the clipboard to pages on HTTPS and on this machine alone; the old way works on all. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = h('textarea', { class: 'offscreen' })
    area.value = text
    document.body.append(area)
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    return copied
  }
}

/** The entity set of a report: `MarginByVertical` of `margin-by-vertical`. */
function entitySet(name: string): string {
  return name.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase())
}

export function snippets(report: Report, filter: Filter, origin: string): Way[] {
  const { name } = report
  const url = (format: string) => origin + address(name, format, filter)
  return [
    { name: 'Excel, Power BI', hint: 'Data → Get Data → Blank Query → Advanced Editor. The address is constant, so scheduled refresh works.', text: powerQuery(report, filter, origin) },
    { name: 'OData', hint: 'Data → Get Data → OData Feed; Tableau: Connect → OData. Typed columns; filters are the tool’s own.', text: `${origin}/odata/${entitySet(name)}` },
    { name: 'Grafana', hint: 'A query of the Infinity data source, in the panel’s JSON. Add this host to the data source’s allowed hosts.', text: infinity(report, url('json')) },
    { name: 'DuckDB', hint: 'Parquet keeps decimals and dates exact; CSV takes its types from here.', text: duckDb(report, url) },
    { name: 'pandas', hint: 'Parquet keeps decimals and dates exact.', text: pandas(report, url) },
    { name: 'curl', hint: 'All or nothing: an error ends curl with 22 and writes no file.', text: `curl --fail --silent --show-error --retry 3 '${url('csv')}' --output ${name}.csv` },
  ]
}

function powerQuery({ name, columns }: Report, filter: Filter, origin: string): string {
  const types: Record<Kind, string> = {
    text: 'type text', count: 'Int64.Type', amount: 'Currency.Type', percent: 'type number', number: 'type number',
    date: 'type date', moment: 'type datetimezone', flag: 'type logical',
  }
  const text = (value: string) => `"${value.replaceAll('"', '""')}"`
  const query = Object.entries({ format: 'csv', ...filter }).map(([key, value]) => `${key} = ${text(value)}`)
  return `let
    Feed = Web.Contents(${text(origin)}, [
        RelativePath = ${text(`reports/${name}`)},
        Query = [${query.join(', ')}]
    ]),
    Rows = Csv.Document(Feed, [Delimiter = ",", Encoding = TextEncoding.Utf8, QuoteStyle = QuoteStyle.Csv]),
    Named = Table.PromoteHeaders(Rows, [PromoteAllScalars = true]),
    Typed = Table.TransformColumnTypes(Named, {
        ${columns.map(({ name, kind }) => `{${text(name)}, ${types[kind]}}`).join(',\n        ')}
    }, "en-US")
in
    Typed`
}

function infinity({ columns }: Report, url: string): string {
  const types: Record<Kind, string> = {
    text: 'string', count: 'number', amount: 'number', percent: 'number', number: 'number', date: 'timestamp', moment: 'timestamp', flag: 'boolean',
  }
  const selected = columns.map(({ name, label, kind }) => JSON.stringify({ selector: name, text: label, type: types[kind] }))
  return `{
  "type": "json",
  "source": "url",
  "parser": "backend",
  "format": "table",
  "url": ${JSON.stringify(url)},
  "url_options": { "method": "GET" },
  "root_selector": "",
  "columns": [
    ${selected.join(',\n    ')}
  ]
}`
}

function duckDb({ columns }: Report, url: (format: string) => string): string {
  const types: Record<Kind, string> = {
    text: 'VARCHAR', count: 'BIGINT', amount: 'DECIMAL(19, 4)', percent: 'DECIMAL(19, 4)', number: 'DECIMAL(19, 4)',
    date: 'DATE', moment: 'TIMESTAMPTZ', flag: 'BOOLEAN',
  }
  const list = columns.map(({ name, kind }: Column) => `  '${name}': '${types[kind]}'`)
  return `SELECT * FROM read_parquet('${url('parquet')}');

SELECT * FROM read_csv('${url('csv')}', header = true, types = {
${list.join(',\n')}
});`
}

function pandas({ columns }: Report, url: (format: string) => string): string {
  const named = (...kinds: Kind[]) => columns.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name)
  const dates = named('date', 'moment')
  const texts = named('text').map((name) => `"${name}": "string"`)
  return `import pandas as pd

exact = pd.read_parquet("${url('parquet')}")

floats = pd.read_csv(
    "${url('csv')}",
    dtype={${texts.join(', ')}},${dates.length ? `\n    parse_dates=${JSON.stringify(dates)},` : ''}
)`
}
