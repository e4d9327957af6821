-- What wrk sends, and how it says what came of it. Everything is made before the time begins to run.

local env = os.getenv
local method, body, once = env("BENCH_METHOD"), env("BENCH_BODY"), env("BENCH_ONCE")
local headers = { ["Authorization"] = "Bearer " .. env("BENCH_KEY"), ["Accept"] = "application/json" }
local made, count = {}, 0

function init()
  math.randomseed(tonumber(env("BENCH_SEED")))
  if method == "POST" then headers["Content-Type"] = "application/json" else body = nil end
  for path in io.lines(env("BENCH_PATHS")) do
    made[#made + 1] = wrk.format(method, path, headers, body)
  end
  wrk.path = env("BENCH_FIRST")
end

function request()
  if once then
    count = count + 1
    headers["Idempotency-Key"] = once .. count
    return wrk.format(method, wrk.path, headers, body)
  end
  return made[math.random(#made)]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
