import { quietFetch } from '../sign-in'

/** Whether changes are heard of: yes; no, but it is tried again; no. */
export type Liveness = 'live' | 'waiting' | 'over'

interface Listener {
  /** The facts of the deal are these now. */
  changed: (deal: unknown) => void
  /** Whether changes are heard of is another now. */
  tell: (liveness: Liveness) => void
}

/** The pause before it is tried again; it doubles, and is varied so that not all cards come at once. */
const PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/** Without a word for longer than this the other side is gone: it says something every 12 seconds. */
const SILENCE_MS = 30_000

/** Follows a deal by server-sent events: with `fetch`, because `EventSource` cannot say who asks. */
export function follower(deal: string, { changed, tell }: Listener) {
  let running: AbortController | null = null

  async function run(signal: AbortSignal): Promise<void> {
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const heard = (deal: unknown) => {
        if (signal.aborted) return
        pause = PAUSE_MS / 2
        tell('live')
        changed(deal)
      }
      const mayReturn = await listen(deal, signal, heard).catch(() => true)
      if (signal.aborted) return
      if (!mayReturn) {
        running = null
        return tell('over')
      }
      tell('waiting')
      await pass(pause * (0.5 + Math.random()), signal)
      if (signal.aborted) return
    }
  }

  return {
    /** Follows, if it does not yet. */
    start() {
      if (running) return
      running = new AbortController()
      void run(running.signal)
    },
    /** Follows no more: nobody looks. */
    stop() {
      running?.abort()
      running = null
    },
  }
}

/** Listens until it ends; whether it makes sense to ask again. */
async function listen(id: string, stopped: AbortSignal, heard: (deal: unknown) => void): Promise<boolean> {
  const silent = new AbortController()
  let silence = setTimeout(() => silent.abort(), SILENCE_MS)
  try {
    const response = await quietFetch('/graphql', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ documentId: 'deal-card-changed', variables: { id } }),
      signal: AbortSignal.any([stopped, silent.signal]),
    })
    // Who is not let in, or asks what nobody answers, need not ask again. Who comes at a bad time may.
    if (!response.ok || !response.body) return response.status >= 500 || response.status === 429
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let text = ''; ;) {
      const { done, value } = await reader.read()
      if (done) return true
      clearTimeout(silence)
      silence = setTimeout(() => silent.abort(), SILENCE_MS)
      const events = (text + value).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        if (event.startsWith('event: complete')) return false
        const [, body] = event.split('\ndata: ')
        const { data } = (body ? JSON.parse(body) : {}) as { data?: { dealChanged: unknown } }
        if (data) heard(data.dealChanged)
      }
    }
  } finally {
    clearTimeout(silence)
    silent.abort()
  }
}

function pass(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    }, { once: true })
  })
}
