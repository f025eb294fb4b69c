-- wrk script: one credential after another from a file. Arguments: FILE HEADER PREFIX PATH.
-- Requests are built before the run, so that the load generator's own work stays small.
local requests, n = {}, 0

function init(args)
    local file, header, prefix, path = args[1], args[2], args[3], args[4]
    for line in io.lines(file) do
        requests[#requests + 1] = wrk.format("GET", path, {[header] = prefix .. line})
    end
    n = math.random(#requests) - 1
end

function request()
    n = n % #requests + 1
    return requests[n]
end

function done(summary)
    io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
