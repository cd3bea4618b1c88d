-- SPDX-License-Identifier: Apache-2.0
-- A call for wrk, and its figures in one line that a program reads. BENCH_KEY is the key, BENCH_BODY the input.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Content-Type"] = "application/json"
local key = os.getenv("BENCH_KEY")
if key then wrk.headers["Authorization"] = "Simple " .. key end

refused = 0
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() refused = 0 end
function response(status) if status ~= 200 then refused = refused + 1 end end

function done(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get("refused") end
  print(string.format("figures %d %d %d %.0f %.0f", summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99)))
end
