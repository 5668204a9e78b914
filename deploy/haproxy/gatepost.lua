-- Asks Gatepost about each request to an app, over HAProxy's own HTTP client.
--
--     global:    lua-load /etc/haproxy/gatepost.lua
--     frontend:  http-request lua.gatepost 127.0.0.1:8000 Remote-User,Remote-Groups,Remote-Email,Remote-Name
--
-- Only a 200 lets the request on to the app: then with the identity headers of the answer, and
-- without the portal's own cookies. Any other answer of the portal is given to the visitor as it
-- is; no answer, or one that makes no sense, is 503. `flask app lines` writes the frontend's lines.

local PATH = "/api/authz/forward-auth"
local MILLISECONDS = 10000
local ASKED_WITH = {
    "cookie", "authorization", "accept", "accept-language", "user-agent", "origin", "upgrade",
    "sec-fetch-mode", "sec-fetch-site", "sec-fetch-dest", "x-requested-with",
    "access-control-request-method", "x-forwarded-for",
}
local NOT_RELAYED = { ["connection"] = true, ["content-length"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true }

-- All values of a header of the visitor's, as one; nil where there is none.
local function joined(sent, name)
    local values = {}
    for index = 0, #(sent[name] or {}) do
        if sent[name] ~= nil and sent[name][index] ~= nil then
            table.insert(values, sent[name][index])
        end
    end
    if #values == 0 then
        return nil
    end
    return table.concat(values, name == "cookie" and "; " or ", ")
end

local function question(txn, sent)
    local headers = {
        ["host"] = { joined(sent, "host") or "" },
        ["x-forwarded-method"] = { txn.sf:method() },
        ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
        ["x-forwarded-host"] = { joined(sent, "host") or "" },
        ["x-forwarded-uri"] = { txn.sf:pathq() },
        ["x-forwarded-by"] = { "haproxy" },
    }
    for _, name in ipairs(ASKED_WITH) do
        local value = joined(sent, name)
        if value ~= nil then
            headers[name] = { value }
        end
    end
    return headers
end

-- The visitor's cookies without the portal's; nil where none is left.
local function without_our_cookies(cookies)
    local kept = {}
    for cookie in cookies:gmatch("[^;%s][^;]*") do
        local name = cookie:gsub("^__%a+%-", "")
        if not name:match("^gatepost_") then
            table.insert(kept, cookie)
        end
    end
    return #kept > 0 and table.concat(kept, "; ") or nil
end

local function let_in(txn, sent, answer, names)
    for name in names:gmatch("[^,]+") do
        local values = answer.headers[name:lower()]
        txn.http:req_set_header(name, values and values[0] or "")
    end
    local cookies = joined(sent, "cookie")
    if cookies ~= nil then
        txn.http:req_del_header("cookie")
        local kept = without_our_cookies(cookies)
        if kept ~= nil then
            txn.http:req_set_header("cookie", kept)
        end
    end
end

local function refuse(txn, answer)
    local reply = txn:reply({ status = 503 })
    if answer ~= nil and answer.status ~= nil and answer.status >= 300 and answer.status < 500 then
        reply:set_status(answer.status)
        for name, values in pairs(answer.headers) do
            if not NOT_RELAYED[name] then
                for _, value in pairs(values) do
                    reply:add_header(name, value)
                end
            end
        end
        reply:set_body(answer.body or "")
    else
        reply:add_header("cache-control", "no-store")
    end
    txn:done(reply)
end

core.register_action("gatepost", { "http-req" }, function(txn, portal, names)
    local sent = txn.http:req_get_headers()
    local asked, answer = pcall(function()
        return core.httpclient():get({
            url = "http://" .. portal .. PATH,
            headers = question(txn, sent),
            timeout = MILLISECONDS,
        })
    end)
    if asked and answer ~= nil and answer.status == 200 then
        let_in(txn, sent, answer, names)
    else
        refuse(txn, asked and answer or nil)
    end
end, 2)
