-- Wireshark dissectors for recordings of ackwait: marks (link type 147) and what was on the SWD wire (link type 148).
-- `swdtrace wireshark --install` puts this file where Wireshark looks for it.

local ACKS = { [1] = "OK", [2] = "WAIT", [4] = "FAULT", [7] = "no ack", [8] = "parity error" }
local KINDS = {
    [0] = "transaction", [1] = "line reset", [2] = "switch sequence", [3] = "nRESET low", [4] = "nRESET released",
    [5] = "idle", [6] = "unnamed clocks", [7] = "no answer", [8] = "unreadable clocks", [9] = "derived",
    [10] = "hole in the recording",
}
local SURE = { [0] = "explicit", [1] = "deterministic", [2] = "inferred", [3] = "hidden", [4] = "assumed" }

-- Marks: {"mark":"step","text":"..."}.

local mark = Proto("ackwait_mark", "ackwait mark")
local mark_kind = ProtoField.string("ackwait.mark.kind", "Kind")
local mark_text = ProtoField.string("ackwait.mark.text", "Text")
mark.fields = { mark_kind, mark_text }

local ESCAPES = { n = " ", r = " ", t = " ", b = "", f = "", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

-- The string behind a key of a flat JSON object.
local function json_string(text, key)
    local _, at = text:find('"' .. key .. '":"', 1, true)
    if not at then return nil end
    local out = {}
    at = at + 1
    while at <= #text do
        local c = text:sub(at, at)
        if c == '"' then return table.concat(out) end
        if c == "\\" then
            local escape = text:sub(at + 1, at + 1)
            if escape == "u" then
                table.insert(out, "?")
                at = at + 4
            else
                table.insert(out, ESCAPES[escape] or escape)
            end
            at = at + 1
        else
            table.insert(out, c)
        end
        at = at + 1
    end
    return nil
end

function mark.dissector(buffer, pinfo, tree)
    pinfo.cols.protocol = "MARK"
    local text = buffer:raw(0, buffer:len())
    local kind, told = json_string(text, "mark"), json_string(text, "text")
    local branch = tree:add(mark, buffer(), "Mark")
    if not kind or not told then
        pinfo.cols.info = "a mark that cannot be read"
        return buffer:len()
    end
    branch:add(mark_kind, buffer(), kind):set_generated()
    branch:add(mark_text, buffer(), told):set_generated()
    branch:set_text("Mark, " .. kind .. ": " .. told)
    pinfo.cols.info = kind .. ": " .. told
    return buffer:len()
end

-- The wire.

local swd = Proto("ackwait_swd", "SWD wire")
local swd_kind = ProtoField.uint8("ackwait.swd.kind", "Kind", base.DEC, KINDS)
local swd_request = ProtoField.uint8("ackwait.swd.request", "Request", base.HEX)
local swd_ap = ProtoField.bool("ackwait.swd.apndp", "APnDP", 8, { "access port", "debug port" }, 0x02)
local swd_read = ProtoField.bool("ackwait.swd.rnw", "RnW", 8, { "read", "write" }, 0x04)
local swd_address = ProtoField.uint8("ackwait.swd.address", "A[3:2]", base.HEX)
local swd_ack = ProtoField.uint8("ackwait.swd.ack", "Ack", base.DEC, ACKS)
local swd_has_data = ProtoField.bool("ackwait.swd.has_data", "Data phase", 8, { "yes", "no" }, 0x01)
local swd_secret = ProtoField.bool("ackwait.swd.secret", "Data", 8, { "secret", "not secret" }, 0x01)
local swd_implied = ProtoField.bool("ackwait.swd.implied", "Added by the probe", 8, { "yes", "no" }, 0x02)
local swd_data = ProtoField.uint32("ackwait.swd.data", "Data", base.HEX)
local swd_name = ProtoField.string("ackwait.swd.name", "Name")
local swd_idle = ProtoField.uint64("ackwait.swd.idle", "Idle for (ns)")
local swd_clocks = ProtoField.uint32("ackwait.swd.clocks", "Clocks")
local swd_sure = ProtoField.uint8("ackwait.swd.certainty", "Certainty", base.DEC, SURE)
local swd_took = ProtoField.uint64("ackwait.swd.took", "Took (ns)")
local swd_bits = ProtoField.bytes("ackwait.swd.bits", "Bits, least significant first")
swd.fields = {
    swd_kind, swd_request, swd_ap, swd_read, swd_address, swd_ack, swd_has_data, swd_secret, swd_implied, swd_data, swd_name,
    swd_idle, swd_clocks, swd_bits, swd_sure, swd_took,
}

local refused = ProtoExpert.new("ackwait.swd.refused", "Transaction was not accepted", expert.group.RESPONSE_CODE, expert.severity.NOTE)
local cut = ProtoExpert.new("ackwait.swd.cut", "Packet is too short", expert.group.MALFORMED, expert.severity.ERROR)
swd.experts = { refused, cut }

local function hex(value)
    return string.format("0x%04X_%04X", math.floor(value / 0x10000), value % 0x10000)
end

local function transaction(buffer, tree)
    local request, ack = buffer(1, 1):uint(), buffer(2, 1):uint()
    local ap, read = math.floor(request / 2) % 2 == 1, math.floor(request / 4) % 2 == 1
    local address = (math.floor(request / 8) % 4) * 4
    tree:add(swd_request, buffer(1, 1))
    tree:add(swd_ap, buffer(1, 1))
    tree:add(swd_read, buffer(1, 1))
    tree:add(swd_address, buffer(1, 1), address):set_generated()
    local shown = tree:add(swd_ack, buffer(2, 1))
    tree:add(swd_has_data, buffer(3, 1))
    tree:add(swd_secret, buffer(4, 1))
    tree:add(swd_implied, buffer(4, 1))
    if ack ~= 1 then shown:add_proto_expert_info(refused) end
    local info = string.format("%s %s 0x%X %s", ap and "AP" or "DP", read and "read" or "write", address,
        ACKS[ack] or ("ack " .. ack))
    if buffer(3, 1):uint() == 1 and buffer:len() >= 9 then
        tree:add_le(swd_data, buffer(5, 4))
        info = info .. " " .. (buffer(4, 1):uint() % 2 == 1 and "(secret)" or hex(buffer(5, 4):le_uint()))
    end
    return info
end

local function clocks(buffer, tree, name)
    local count = buffer(1, 4):le_uint()
    local bytes = math.min(math.floor((count + 7) / 8), buffer:len() - 5)
    tree:add_le(swd_clocks, buffer(1, 4))
    if bytes > 0 then tree:add(swd_bits, buffer(5, bytes)) end
    return string.format("%s: %d", name, count)
end

-- Bytes that a kind has at least.
local LEAST = { [0] = 5, [5] = 9, [6] = 5, [8] = 5, [9] = 11 }

-- One event into the tree, and in words.
local function event(buffer, branch)
    local kind = buffer(0, 1):uint()
    branch:add(swd_kind, buffer(0, 1))
    local info = KINDS[kind] or ("kind " .. kind)
    if buffer:len() < (LEAST[kind] or 1) then
        branch:add_proto_expert_info(cut)
    elseif kind == 0 then
        info = transaction(buffer, branch)
    elseif kind == 2 and buffer:len() > 1 then
        branch:add(swd_name, buffer(1))
        info = buffer(1):string()
    elseif kind == 5 then
        branch:add_le(swd_idle, buffer(1, 8))
    elseif kind == 6 or kind == 8 then
        info = clocks(buffer, branch, info)
    end
    return info
end

function swd.dissector(buffer, pinfo, tree)
    pinfo.cols.protocol = "SWD"
    local branch = tree:add(swd, buffer())
    local info
    if buffer(0, 1):uint() == 9 and buffer:len() >= LEAST[9] then
        branch:add(swd_sure, buffer(1, 1))
        branch:add_le(swd_took, buffer(2, 8))
        info = event(buffer(10):tvb(), branch)
    else
        info = event(buffer, branch)
    end
    branch:set_text("SWD, " .. info)
    pinfo.cols.info = info
    return buffer:len()
end

local link_types = DissectorTable.get("wtap_encap")
link_types:add(wtap.USER0, mark)
link_types:add(wtap.USER1, swd)
