-- Sends the requests of a file, one after another, from the one numbered OFFSET on, and around again.
--   BODIES   the file, a JSON body a line
--   HEADERS  more headers, "name: value" a line
local requests, at = {}, tonumber(os.getenv("OFFSET") or "0")

function init()
  local headers = { ["content-type"] = "application/json", ["accept"] = "application/json" }
  for name, value in (os.getenv("HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do headers[name] = value end
  for body in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  at = at + 1
  return requests[(at - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"answers":%d,"us":%d,"p50_us":%d,"p99_us":%d,"bytes":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
