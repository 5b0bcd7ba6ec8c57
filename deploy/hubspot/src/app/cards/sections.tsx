/** A view, in HubSpot's components. */

import type { ReactNode } from 'react'
import {
  Alert,
  Box,
  Button,
  DescriptionList,
  DescriptionListItem,
  Divider,
  EmptyState,
  ErrorState,
  Flex,
  Heading,
  Link,
  LoadingButton,
  LoadingSpinner,
  ProgressBar,
  Statistics,
  StatisticsItem,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Text,
} from '@hubspot/ui-extensions'

import type { Fresh } from './deal/freshness'
import type { Bar, Progress } from './deal/progress'
import type { Support } from './deal/support'
import type { Labelled, Value } from './deal/value'
import type { Card, Failure, View } from './deal/view'
import type { Tone } from './deal/words'

interface Asking {
  /** Whether an answer is on its way. */
  asking: boolean
  refresh: () => void
}

/** What is to come, section by section. */
export function Loading() {
  return (
    <Flex direction="column" gap="md">
      {['Project', 'Figures', 'Progress', 'Invoices', 'Support'].map((section) => (
        <LoadingSpinner key={section} label={`${section} …`} showLabel layout="inline" size="sm" />
      ))}
    </Flex>
  )
}

export function Shown({ view, ...asking }: { view: View } & Asking) {
  switch (view.state) {
    case 'card':
      return <DealCardOf card={view.card} {...asking} />
    case 'not-linked':
      return (
        <Flex direction="column" gap="md">
          <EmptyState title="Not linked to a project yet" imageName="object" layout="vertical">
            <Text>{view.hint.replace(/`([^`]*)`/g, '“$1”')}</Text>
            {view.raw !== null && <Text>{`The field holds “${view.raw}”.`}</Text>}
            <Text variant="microcopy">{[view.heading.deal, view.stage, view.amount.text].filter(Boolean).join(' · ')}</Text>
          </EmptyState>
          <Footer freshness={view.freshness} {...asking} />
        </Flex>
      )
    case 'not-found':
      return <Failed failure={view.failure} type="support" {...asking} />
    case 'signed-out':
      return <Failed failure={view.failure} type="lock" {...asking} />
    case 'failed':
      return <Failed failure={view.failure} type="error" {...asking} />
  }
}

function Failed({ failure, type, asking, refresh }: { failure: Failure; type: 'error' | 'support' | 'lock' } & Asking) {
  const { title, text, code, requestId, retry } = failure
  const forHelp = [code && `Code ${code}`, requestId && `Request ${requestId}`].filter(Boolean).join(' · ')
  return (
    <ErrorState title={title} type={type}>
      <Text>{text}</Text>
      {forHelp && <Text variant="microcopy">{forHelp}</Text>}
      {retry && (
        <LoadingButton loading={asking} onClick={refresh} variant="secondary" size="sm">
          Try again
        </LoadingButton>
      )}
    </ErrorState>
  )
}

function DealCardOf({ card, asking, refresh }: { card: Card } & Asking) {
  const { project, notices, statistics, progress, facts, invoices, support, freshness } = card
  return (
    <Flex direction="column" gap="md">
      <Flex direction="column" gap="xs">
        <Flex direction="row" align="center" gap="sm" wrap>
          <Text format={{ fontWeight: 'bold' }}>{project.url ? <Link href={external(project.url)}>{project.code}</Link> : project.code}</Text>
          <StatusTag variant={variant(project.health.tone)}>{project.health.text}</StatusTag>
          {project.status && <Text variant="microcopy">{project.status}</Text>}
        </Flex>
        {project.reason && <Text>{project.reason}</Text>}
      </Flex>
      {notices.map(({ tone, title, text, retry }) => (
        <Alert key={title} title={title} variant={tone === 'bad' ? 'danger' : tone === 'warn' ? 'warning' : 'info'}>
          <Text>{text}</Text>
          {retry && (
            <Button onClick={refresh} disabled={asking} size="xs" variant="secondary">
              Try again
            </Button>
          )}
        </Alert>
      ))}
      <Statistics>
        {statistics.map((statistic) => (
          <StatisticsItem key={statistic.label} label={statistic.label} number={statistic.text}>
            {statistic.note && <Text variant="microcopy">{statistic.note}</Text>}
          </StatisticsItem>
        ))}
      </Statistics>
      <Bars progress={progress} />
      <DescriptionList direction="row">
        {facts.map((fact) => (
          <DescriptionListItem key={fact.label} label={fact.label}>
            <Fact value={fact} />
          </DescriptionListItem>
        ))}
      </DescriptionList>
      <Divider />
      <Heading>Invoices</Heading>
      <Invoices invoices={invoices} />
      <Divider />
      <Heading>{support.title}</Heading>
      <SupportOf support={support} />
      <Divider />
      <Footer freshness={freshness} asking={asking} refresh={refresh} />
    </Flex>
  )
}

function Bars({ progress: { complete, burned, gap } }: { progress: Progress }) {
  return (
    <Flex direction="column" gap="xs">
      <BarOf bar={complete} />
      <BarOf bar={burned} />
      {gap && <StatusTag variant={variant(gap.tone)} hollow>{gap.text}</StatusTag>}
    </Flex>
  )
}

/** A bar; of what is not known, words alone: an empty bar would say 0. */
function BarOf({ bar: { label, percent, text, note, tone } }: { bar: Bar }) {
  if (percent === null) return <Noted label={label} value={{ text, note, known: false }} />
  return (
    <ProgressBar
      title={label}
      value={Math.min(100, percent)}
      maxValue={100}
      valueDescription={text}
      aria-label={`${label}: ${text}`}
      {...(tone && { variant: tone === 'bad' ? 'danger' : tone === 'warn' ? 'warning' : 'success' })}
    />
  )
}

function Noted({ label, value }: { label: string; value: Value }) {
  return <Text>{`${label}: ${value.text}${value.note ? ` (${value.note})` : ''}`}</Text>
}

function Fact({ value: { text, url, note } }: { value: Labelled }) {
  return (
    <Text>
      {url ? <Link href={external(url)}>{text}</Link> : text}
      {note && ` (${note})`}
    </Text>
  )
}

function Invoices({ invoices: { rows, more, missing } }: { invoices: Card['invoices'] }): ReactNode {
  if (missing !== null) return <Text>{missing}</Text>
  return (
    <>
      <Table density="compact" flush>
        <TableHead>
          <TableRow>
            <TableHeader>Invoice</TableHeader>
            <TableHeader>Status</TableHeader>
            <TableHeader>When</TableHeader>
            <TableHeader align="right">Total</TableHeader>
          </TableRow>
        </TableHead>
        <TableBody>
          {rows.map(({ number, url, status, due, amount }, place) => (
            <TableRow key={place}>
              <TableCell>{url ? <Link href={external(url)}>{number}</Link> : number}</TableCell>
              <TableCell>
                <StatusTag variant={variant(status.tone)}>{status.text}</StatusTag>
              </TableCell>
              <TableCell>{due}</TableCell>
              <TableCell align="right">{amount.note ? `${amount.text} (${amount.note})` : amount.text}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
      {more > 0 && <Text variant="microcopy">{`and ${more} more`}</Text>}
    </>
  )
}

function SupportOf({ support: { open, all, hours, critical } }: { support: Support }) {
  return (
    <DescriptionList direction="row">
      {Object.entries({ Open: open, Tickets: all, Hours: hours, 'Critical incidents': critical }).map(([label, value]) => (
        <DescriptionListItem key={label} label={label}>
          <Fact value={{ label, ...value }} />
        </DescriptionListItem>
      ))}
    </DescriptionList>
  )
}

function Footer({ freshness, asking, refresh }: { freshness: Fresh[] } & Asking) {
  return (
    <Flex direction="row" justify="between" align="center" gap="sm" wrap>
      <Box flex="auto">
        <Flex direction="row" gap="sm" wrap>
          {freshness.map(({ system, text, tone }) => (
            <StatusTag key={system} variant={variant(tone)} hollow>{`${system} ${text}`}</StatusTag>
          ))}
        </Flex>
      </Box>
      <LoadingButton loading={asking} onClick={refresh} variant="secondary" size="xs">
        Refresh
      </LoadingButton>
    </Flex>
  )
}

function external(url: string) {
  return { url, external: true }
}

function variant(tone: Tone): 'danger' | 'warning' | 'info' | 'success' | 'default' {
  switch (tone) {
    case 'good':
      return 'success'
    case 'warn':
      return 'warning'
    case 'bad':
      return 'danger'
    case 'info':
      return 'info'
    case 'plain':
      return 'default'
  }
}
