import icon from './icon.svg'
import { account } from './sign-in'

/** Once: a new function would make React put it there again at each step. */
function place(element: HTMLElement | null): void {
  element?.replaceChildren(account())
}

export function Logo() {
  return (
    <span className="spine-logo" title="One live graph of deals, projects, tickets and invoices">
      <img src={icon} alt="" />
      Spine
      <span ref={place} />
    </span>
  )
}
