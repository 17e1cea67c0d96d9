//! What a template may cost. The engine goes down into what it reads, and a stack has an end; it counts the
//! steps of a template and what it writes, not the memory in between, and a few doublings fill any machine.

use minijinja::machinery::{
    Token,
    ast::{BinOpKind, CallArg, Expr, Stmt},
    parse, parse_expr, tokenize,
};

/// Words and signs of one expression.
const TOKENS: usize = 500;
/// Branches of a template.
const BRANCHES: usize = 100;

/// Filters that answer no more than they were given.
const FILTERS: [&str; 33] = [
    "abs",
    "attr",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "keys",
    "last",
    "length",
    "list",
    "lower",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sentences",
    "sort",
    "title",
    "trim",
    "unique",
    "words",
];
/// Those that do so only under a condition, or by a little.
const CAREFUL: [&str; 5] = ["join", "map", "replace", "string", "upper"];

/// Whether a template, or an expression by itself, is deeper than a stack.
pub(super) fn is_deep(text: &str, is_expression: bool) -> bool {
    let (mut tokens, mut branches) = (0, 0);
    tokenize(text, is_expression, Default::default()).map_while(Result::ok).any(|(token, _)| {
        match token {
            Token::VariableStart | Token::BlockStart | Token::TemplateData(_) => tokens = 0,
            Token::Ident("elif") => branches += 1,
            _ => tokens += 1,
        }
        tokens > TOKENS || branches > BRANCHES
    })
}

/// What makes a template grow, in words; nothing when it cannot be read, which is another problem.
pub(super) fn of_template(text: &str) -> Option<String> {
    let template = parse(text, "<template>", Default::default()).ok()?;
    statement(&template).err()
}

/// The same of an expression.
pub(super) fn of_expression(text: &str) -> Option<String> {
    expression(&parse_expr(text).ok()?).err()
}

fn statement(part: &Stmt<'_>) -> Result<(), String> {
    match part {
        Stmt::Template(template) => statements(&template.children),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(emit) => expression(&emit.expr),
        Stmt::ForLoop(each) if !each.recursive => {
            expression(&each.iter)?;
            each.filter_expr.as_ref().map_or(Ok(()), expression)?;
            statements(&each.body)?;
            statements(&each.else_body)
        }
        Stmt::IfCond(either) => {
            expression(&either.expr)?;
            statements(&either.true_body)?;
            statements(&either.false_body)
        }
        _ => Err("`set`, `with` and recursion".to_owned()),
    }
}

fn statements(parts: &[Stmt<'_>]) -> Result<(), String> {
    parts.iter().try_for_each(statement)
}

fn expression(part: &Expr<'_>) -> Result<(), String> {
    let all = |parts: &[Expr<'_>]| parts.iter().try_for_each(expression);
    match part {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::Slice(slice) => {
            expression(&slice.expr)?;
            [&slice.start, &slice.stop, &slice.step].into_iter().flatten().try_for_each(expression)
        }
        Expr::UnaryOp(one) => expression(&one.expr),
        Expr::BinOp(two) => {
            if matches!(two.op, BinOpKind::Mul | BinOpKind::Pow) {
                return Err("multiplication".to_owned());
            }
            expression(&two.left)?;
            expression(&two.right)
        }
        Expr::Compare(chain) => {
            expression(&chain.expr)?;
            chain.ops.iter().try_for_each(|op| expression(&op.expr))
        }
        Expr::IfExpr(either) => {
            expression(&either.test_expr)?;
            expression(&either.true_expr)?;
            either.false_expr.as_ref().map_or(Ok(()), expression)
        }
        Expr::Filter(filter) => {
            let careful = match (filter.name, filter.args.as_slice()) {
                ("join", []) | ("string" | "upper", _) => true,
                ("map", arguments) => arguments.iter().all(|argument| matches!(argument, CallArg::Kwarg(..))),
                // Between the elements of a list, which is as long as its data.
                ("join", [CallArg::Pos(Expr::Const(_))]) => true,
                ("replace", [CallArg::Pos(Expr::Const(from)), CallArg::Pos(Expr::Const(to))]) => {
                    matches!((from.value.as_str(), to.value.as_str()), (Some(from), Some(to)) if to.len() <= from.len())
                }
                _ => false,
            };
            if !careful && !FILTERS.contains(&filter.name) {
                let what = if CAREFUL.contains(&filter.name) { "a growing `" } else { "the filter `" };
                return Err(format!("{what}{}`", filter.name));
            }
            filter.expr.as_ref().map_or(Ok(()), expression)?;
            arguments(&filter.args)
        }
        Expr::Test(test) => {
            expression(&test.expr)?;
            arguments(&test.args)
        }
        Expr::GetAttr(of) => expression(&of.expr),
        Expr::GetItem(of) => {
            expression(&of.expr)?;
            expression(&of.subscript_expr)
        }
        Expr::Call(_) => Err("calls of functions".to_owned()),
        Expr::List(list) => all(&list.items),
        Expr::Tuple(tuple) => all(&tuple.items),
        Expr::Map(map) => {
            all(&map.keys)?;
            all(&map.values)
        }
    }
}

fn arguments(parts: &[CallArg<'_>]) -> Result<(), String> {
    parts.iter().try_for_each(|part| match part {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) => expression(value),
        CallArg::PosSplat(_) | CallArg::KwargSplat(_) => Err("arguments by a star".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_is_fine() {
        for fine in [
            "Hello {{ lead.name | title }}, {{ lead.notes | map(attribute='text') | join(', ') }}",
            "{% for lead in leads.items if lead.score > 50 %}{{ loop.index }}. {{ lead.name ~ ' ' ~ lead.title }}{% endfor %}",
            "{% if not lead.account %}nobody{% else %}{{ lead.account.name | replace('--', '-') }}{% endif %}",
        ] {
            assert_eq!(of_template(fine), None, "{fine}");
        }
        assert_eq!(of_expression("leads.items | selectattr('score', 'gt', 50) | list"), None);
    }

    #[test]
    fn what_grows_is_named() {
        for (grows, what) in [
            ("{% set a = a ~ a %}", "set"),
            ("{% with b = a ~ a %}{{ b }}{% endwith %}", "with"),
            ("{% set b %}{{ a }}{{ a }}{% endset %}", "set"),
            ("{% for x in xs recursive %}{{ loop(x) }}{% endfor %}", "recursion"),
            ("{{ 'a' * 1000000000 }}", "multiplication"),
            ("{{ 'a' | indent(1000000000) }}", "indent"),
            ("{{ text | replace('a', text) }}", "replace"),
            ("{{ text | replace('a', 'aaaa') }}", "replace"),
            ("{{ texts | join(text) }}", "join"),
            ("{{ range(1000000000) | list }}", "functions"),
            ("{{ x | map('indent', 1000000000) | list }}", "map"),
        ] {
            assert!(of_template(grows).is_some_and(|words| words.contains(what)), "{grows}: {:?}", of_template(grows));
        }
    }
}
