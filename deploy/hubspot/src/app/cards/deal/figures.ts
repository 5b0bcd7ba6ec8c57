/** Figures for people, made from the text of a number digit by digit: no float comes between. */

import type { Money } from './answer'

/** What stands for an unknown value. Never 0. */
export const UNKNOWN = '–'

/** How the reader writes numbers and times, and what time it is. */
export interface Reader {
  /** BCP 47, as `de-DE`; the surroundings' own if it is not known. */
  locale?: string | undefined
  /** IANA, as `Europe/Berlin`; the surroundings' own if it is not known. */
  timeZone?: string | undefined
  now: Date
}

export type Figures = ReturnType<typeof figures>

/** The spellings of one reader. */
export function figures({ locale: wanted, timeZone, now }: Reader) {
  const locale = supported(wanted)
  const zone = timeZone === undefined ? {} : { timeZone }
  const plain = new Intl.NumberFormat(locale, { numberingSystem: 'latn' })
  const point = plain.formatToParts(1.5).find(({ type }) => type === 'decimal')?.value ?? '.'
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' })
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short', ...zone })
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', ...zone })

  /** A decimal as `format` would write it, with exactly the fraction that it has. */
  function exact(decimal: string, format: Intl.NumberFormat, leastPlaces = 0): string {
    const [, minus = '', whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? []
    const negative = minus !== '' && sign(decimal) !== 0
    const kept = fraction.replace(/0+$/, '')
    const shown = kept && kept.padEnd(leastPlaces, '0')
    // `-0.5` has no whole part that could carry the sign: 1 stands in for it.
    const magnitude = BigInt(whole)
    const standIn = magnitude === 0n ? 1n : magnitude
    const parts = format.formatToParts(negative ? -standIn : magnitude)
    const last = parts.map(({ type }) => type).lastIndexOf('integer')
    return parts.map(({ type, value }, place) => {
      const digits = type === 'integer' && negative && magnitude === 0n ? '0' : value
      return place === last && shown ? digits + point + shown : digits
    }).join('')
  }

  return {
    /** `€482,300`, `€482,300.50`: to the last digit, in the record's currency. */
    money({ amount, currency }: Money): string {
      const form = { style: 'currency', currency, maximumFractionDigits: 0, numberingSystem: 'latn' } as const
      try {
        return exact(amount, new Intl.NumberFormat(locale, form), minorUnits(currency))
      } catch {
        // A code that is none, in Intl's eyes.
        return `${exact(amount, plain)} ${currency}`
      }
    },
    /** `64.28%` */
    percent: (decimal: string): string =>
      exact(decimal, new Intl.NumberFormat(locale, { style: 'unit', unit: 'percent', numberingSystem: 'latn' })),
    /** `41.5` */
    number: (decimal: string): string => exact(decimal, plain),
    count: (count: number): string => plain.format(count),
    /** A day, as `2026-03-12`. */
    day: (date: string): string => day.format(new Date(`${date}T00:00:00Z`)),
    /** When something was read: the time alone on the reader's today. */
    moment(at: string): string {
      const read = new Date(at)
      return day.format(read) === day.format(now) ? clock.format(read) : moment.format(read)
    },
    age: (at: string): string => age(now.getTime() - new Date(at).getTime()),
    /** Days from today (UTC, as the books count) to a date: negative is past. */
    daysTo: (date: string): number =>
      Math.round((Date.parse(`${date}T00:00:00Z`) - Date.parse(`${now.toISOString().slice(0, 10)}T00:00:00Z`)) / 86_400_000),
  }
}

/** How old something is, in words. */
export function age(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  if (seconds < 5) return 'just now'
  if (seconds < 90) return `${seconds} s old`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min old`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h old`
  return `${Math.round(seconds / 86_400)} days old`
}

/** The exact sum of decimals. */
export function sum(decimals: string[]): string {
  const places = Math.max(0, ...decimals.map((each) => each.split('.')[1]?.length ?? 0))
  return unscaled(decimals.reduce((all, each) => all + scaled(each, places), 0n), places)
}

/** The exact difference of two decimals. */
export function difference(one: string, other: string): string {
  return sum([one, other.startsWith('-') ? other.slice(1) : `-${other}`])
}

/** Whether a decimal is below, at or above zero: -1, 0 or 1. */
export function sign(decimal: string): -1 | 0 | 1 {
  if (!/[1-9]/.test(decimal)) return 0
  return decimal.startsWith('-') ? -1 : 1
}

function scaled(decimal: string, places: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(places, '0'))
}

function unscaled(value: bigint, places: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  return `${value < 0n ? '-' : ''}${whole}${places ? `.${digits.slice(digits.length - places)}` : ''}`
}

function minorUnits(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
}

/** A CRM's spelling of a locale (`de_DE`, `en-us`) if Intl knows it. */
function supported(locale: string | undefined): string | undefined {
  try {
    return locale && Intl.getCanonicalLocales(locale.replaceAll('_', '-'))[0]
  } catch {
    return undefined
  }
}
