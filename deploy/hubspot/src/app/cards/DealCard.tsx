import { useCallback, useEffect, useRef, useState } from 'react'
import { hubspot } from '@hubspot/ui-extensions'

import { ask } from './ask'
import type { Answered } from './deal/answer'
import { view } from './deal/view'
import { Loading, Shown } from './sections'

hubspot.extend<'crm.record.tab'>(({ context }) => (
  <DealCard deal={String(context.crm.objectId)} locale={context.user.locale} timeZone={context.portal.timezone} />
))

interface Props {
  /** The deal's record ID. */
  deal: string
  locale?: string | undefined
  timeZone?: string | undefined
}

/** How often the ages on the card are told anew. */
const TICK_MS = 30_000

export function DealCard({ deal, locale, timeZone }: Props) {
  const [answered, setAnswered] = useState<Answered | null>(null)
  const [asking, setAsking] = useState(true)
  const [now, setNow] = useState(() => new Date())
  /** Which question is the last one: answers to earlier ones are not shown. */
  const question = useRef(0)

  const refresh = useCallback(async () => {
    const mine = ++question.current
    setAsking(true)
    const next = await ask(deal)
    if (mine !== question.current) return
    setNow(new Date())
    setAnswered(next)
    setAsking(false)
  }, [deal])

  useEffect(() => {
    setAnswered(null)
    void refresh()
    const tick = setInterval(() => setNow(new Date()), TICK_MS)
    return () => {
      question.current++
      clearInterval(tick)
    }
  }, [refresh])

  if (!answered) return <Loading />
  return <Shown view={view(answered, { locale, timeZone, now })} asking={asking} refresh={refresh} />
}
