# As collapse-graph.pl, of one processor.
{
    bar = index($0, "|")
    if (bar == 0) next
    us = 0
    for (field = 2; field <= 4; field++) if ($(field + 1) == "us") us = $field
    text = substr($0, bar + 1)
    sub(/^ +/, "", text)
    last = substr(text, length(text))
    if (last == "{") {
        name = substr(text, 1, index(text, "(") - 1)
        stack[++depth] = depth == 1 ? name : stack[depth - 1] ";" name
    } else if (last == ";") {
        name = substr(text, 1, index(text, "(") - 1)
        total[depth == 0 ? name : stack[depth] ";" name] += us
    } else if (substr(text, 1, 1) == "}") {
        total[stack[depth]] += us
        depth--
    }
}
END { for (path in total) print path, total[path] }
