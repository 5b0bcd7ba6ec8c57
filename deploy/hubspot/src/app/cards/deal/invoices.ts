/** The few invoices that matter most to whoever opens a deal: what is late, what is due, then what came last. */

import type { Invoice } from './answer'
import type { Figures } from './figures'
import { amount, days, due, type Value, type Why } from './value'
import { invoiceStatus, type Tag } from './words'

export interface InvoiceRow {
  number: string
  url: string | null
  status: Tag
  /** When it is due, or how late it is. */
  due: string
  amount: Value
}

const MOST = 5
const RANK: Record<Invoice['status'], number> = { OVERDUE: 0, PARTIALLY_PAID: 1, OPEN: 1, UNKNOWN: 2, PAID: 3, DRAFT: 4, VOID: 5 }

export function invoiceRows(invoices: Invoice[], why: Why, figures: Figures): { rows: InvoiceRow[]; more: number } {
  const ordered = invoices.filter(({ status }) => status !== 'VOID').sort(compare)
  return {
    rows: ordered.slice(0, MOST).map((invoice) => ({
      number: [invoice.kind === 'CREDIT_NOTE' && 'Credit note', invoice.number].filter(Boolean).join(' ') || 'Without a number',
      url: invoice.source.url,
      status: invoiceStatus(invoice),
      due: when(invoice, figures),
      amount: amount(invoice.kind === 'CREDIT_NOTE' ? negative(invoice.total) : invoice.total, why('deal.project.invoices.total'), figures),
    })),
    more: Math.max(0, ordered.length - MOST),
  }
}

/** The posted invoice that was issued last. */
export function lastInvoice(invoices: Invoice[] | null): Invoice | undefined {
  const posted = invoices?.filter(({ kind, status }) => kind === 'INVOICE' && status !== 'DRAFT' && status !== 'VOID') ?? []
  return posted.sort((one, other) => (other.issueDate ?? '').localeCompare(one.issueDate ?? ''))[0]
}

function compare(one: Invoice, other: Invoice): number {
  const rank = RANK[one.status] - RANK[other.status]
  if (rank) return rank
  // What is owed: the longest due first. What is done: the latest first.
  return RANK[one.status] < 3
    ? (one.dueDate ?? '9').localeCompare(other.dueDate ?? '9')
    : (other.issueDate ?? '').localeCompare(one.issueDate ?? '')
}

function when({ status, kind, dueDate, issueDate }: Invoice, figures: Figures): string {
  const issued = issueDate ? `issued ${figures.day(issueDate)}` : ''
  if (status === 'PAID' || status === 'DRAFT' || kind === 'CREDIT_NOTE') return issued
  if (!dueDate) return 'no due date'
  const late = -figures.daysTo(dueDate)
  // The books count by the server's day: what they call overdue is at least a day late.
  if (status === 'OVERDUE') return `${days(Math.max(1, late), figures)} late`
  return late > 0 ? `due ${figures.day(dueDate)}` : due(dueDate, figures)
}

function negative(total: Invoice['total']): Invoice['total'] {
  return total && { ...total, amount: total.amount.startsWith('-') ? total.amount.slice(1) : `-${total.amount}` }
}
