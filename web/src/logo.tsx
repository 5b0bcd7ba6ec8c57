import icon from './icon.svg'

export function Logo() {
  return (
    <span className="spine-logo" title="One live graph of deals, projects, tickets and invoices">
      <img src={icon} alt="" />
      Spine
    </span>
  )
}
