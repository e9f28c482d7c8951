//! Reads expressions: `or` binds weakest, then `and`, `not`, comparisons.

use serde_json::Value;

use super::function::Function;
use super::lexer::{Token, tokens};
use super::{Comparison, Expression};
use crate::protocol::graph::failure::Failure;

/// Deepest nesting that is read. Assumed; the service refuses long before.
const MAX_DEPTH: usize = 64;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Reads an expression.
pub(in crate::protocol::graph) fn parse(text: &str) -> Result<Expression, Failure> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.either()?;
    if parser.at < parser.tokens.len() {
        return Err(parser.wrong());
    }
    Ok(expression)
}

impl Parser<'_> {
    fn wrong(&self) -> Failure {
        Failure::query(format!("Invalid filter clause: Syntax error at position {} in '{}'.", self.at, self.text))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn expect(&mut self, token: &Token) -> Result<(), Failure> {
        if self.peek() == Some(token) {
            self.at += 1;
            return Ok(());
        }
        Err(self.wrong())
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn deeper(&mut self) -> Result<(), Failure> {
        self.depth += 1;
        if MAX_DEPTH < self.depth {
            return Err(Failure::query("Invalid filter clause: the recursion limit has been exceeded."));
        }
        Ok(())
    }

    fn either(&mut self) -> Result<Expression, Failure> {
        self.deeper()?;
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, Failure> {
        let mut left = self.negation()?;
        while self.keyword("and") {
            left = Expression::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, Failure> {
        let is_call = self.tokens.get(self.at + 1) == Some(&Token::Open);
        if matches!(self.peek(), Some(Token::Word(word)) if word == "not" || (word == "Not" && is_call)) {
            self.at += 1;
            self.deeper()?;
            let inner = self.negation()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, Failure> {
        let left = self.operand()?;
        let Some(Token::Word(word)) = self.peek() else { return Ok(left) };
        let comparison = match word.as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "in" => {
                self.at += 1;
                self.expect(&Token::Open)?;
                return Ok(Expression::In(Box::new(left), self.arguments()?));
            }
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.operand()?;
        Ok(Expression::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn operand(&mut self) -> Result<Expression, Failure> {
        match self.take() {
            Some(Token::Literal(value)) => Ok(Expression::Literal(value)),
            Some(Token::Date(moment)) => Ok(Expression::Date(moment)),
            Some(Token::Open) => {
                let inner = self.either()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if self.peek() == Some(&Token::Open) => {
                self.at += 1;
                self.call(&word)
            }
            Some(Token::Word(word)) => Ok(Expression::Path(steps(&word))),
            _ => Err(self.wrong()),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, Failure> {
        if let Some((path, quantifier)) = name.rsplit_once('/')
            && let Some(quantifier) = ["any", "all"].into_iter().find(|own| own.eq_ignore_ascii_case(quantifier))
        {
            return self.lambda(quantifier == "all", steps(path));
        }
        let Some((function, fewest, most)) = Function::named(name) else {
            return Err(Failure::query(format!("An unknown function with name '{name}' was found.")));
        };
        let mut arguments = self.arguments()?;
        if !(fewest..=most).contains(&arguments.len()) {
            return Err(Failure::query(format!("The function '{name}' does not take {} arguments.", arguments.len())));
        }
        // `substringof` of OData 3 has its arguments the other way round.
        if name.eq_ignore_ascii_case("substringof") {
            arguments.reverse();
        }
        if function == Function::Cast
            && let Some(kind @ Expression::Path(_)) = arguments.get_mut(1)
        {
            let Expression::Path(steps) = &*kind else { return Err(self.wrong()) };
            *kind = Expression::Literal(Value::String(steps.join("/")));
        }
        Ok(Expression::Call(function, arguments))
    }

    /// What stands between an opening parenthesis that was read and its end.
    fn arguments(&mut self) -> Result<Vec<Expression>, Failure> {
        let mut found = Vec::new();
        if self.peek() == Some(&Token::Close) {
            self.at += 1;
            return Ok(found);
        }
        loop {
            found.push(self.either()?);
            match self.take() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(found),
                _ => return Err(self.wrong()),
            }
        }
    }

    fn lambda(&mut self, all: bool, path: Vec<String>) -> Result<Expression, Failure> {
        if self.peek() == Some(&Token::Close) {
            self.at += 1;
            return Ok(Expression::Lambda { all, path, variable: String::new(), body: None });
        }
        let Some(Token::Word(variable)) = self.take() else { return Err(self.wrong()) };
        self.expect(&Token::Colon)?;
        let body = self.either()?;
        self.expect(&Token::Close)?;
        Ok(Expression::Lambda { all, path, variable, body: Some(Box::new(body)) })
    }
}

fn steps(word: &str) -> Vec<String> {
    word.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}
