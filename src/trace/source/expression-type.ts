import type { SyntaxNode } from './c-parser.ts';
import { containerType, typeTag } from './declarations.ts';
import type { Declarations, StructTag } from './declarations.ts';
import type { SourceFile } from './source-file.ts';

/** Where an expression stands. */
export interface Scope {
  readonly file: SourceFile;
  /** The tree of the function or the declaration, which begins at {@link start} of the file. */
  readonly root: SyntaxNode;
  readonly start: number;
  readonly declarations: Declarations;
}

/** Expressions of a person have fewer parts; generated ones must not fill the stack. */
const DEPTH_MAX = 32;

/**
 * The struct that an expression is, or points to; undefined where this cannot be told, as for what
 * a macro makes.
 */
export function expressionType(node: SyntaxNode | null, scope: Scope, depth = 0): StructTag | undefined {
  if (node === null || depth > DEPTH_MAX) return undefined;
  const typeOf = (inner: SyntaxNode | null): StructTag | undefined => expressionType(inner, scope, depth + 1);
  switch (node.type) {
    case 'identifier':
      return variableType(node, scope);
    case 'field_expression':
      return memberType(node, scope, depth);
    case 'call_expression':
      return callType(node, scope);
    case 'cast_expression':
      return typeTag(typeOfDescriptor(node), (name) => scope.declarations.resolveTypedef(name));
    case 'parenthesized_expression':
      return typeOf(node.namedChild(0));
    case 'pointer_expression':
    case 'subscript_expression':
      return typeOf(node.childForFieldName('argument'));
    case 'conditional_expression':
      return typeOf(node.childForFieldName('consequence')) ?? typeOf(node.childForFieldName('alternative'));
    case 'assignment_expression':
      return typeOf(node.childForFieldName('left'));
    default:
      return undefined;
  }
}

function typeOfDescriptor(cast: SyntaxNode): SyntaxNode | null {
  return cast.childForFieldName('type')?.childForFieldName('type') ?? null;
}

function memberType(node: SyntaxNode, scope: Scope, depth: number): StructTag | undefined {
  const outer = expressionType(node.childForFieldName('argument'), scope, depth + 1);
  const member = node.childForFieldName('field')?.text;
  return outer === undefined || member === undefined ? undefined : scope.declarations.memberType(outer, member);
}

function callType(node: SyntaxNode, { file, declarations }: Scope): StructTag | undefined {
  const called = node.childForFieldName('function');
  if (called?.type !== 'identifier') return undefined;
  return containerType(node.text) ?? declarations.resultType(called.text, file);
}

/** Of a parameter, a local variable, or one of the file. */
function variableType(node: SyntaxNode, { file, root, declarations }: Scope): StructTag | undefined {
  const name = node.text;
  const tag = declaredIn(root.text, name, '\\b') ?? declaredIn(file.code, name, FILE_SCOPE);
  return tag === undefined ? undefined : declarations.resolveTypedef(tag);
}

/** How a declaration outside functions begins: with its line. */
const FILE_SCOPE = '^(?:(?:static|const|extern|volatile)\\s+)*';

/**
 * The type of the first declaration of `name` in a text: by words, as declarations are often
 * behind a macro that the grammar does not read. Lengths are bounded, so that no text takes long.
 */
function declaredIn(text: string, name: string, before: string): StructTag | undefined {
  const qualifiers = '(?:(?:const|__\\w+)\\s+|\\*){0,8}';
  const others = '(?:\\w+\\s*(?:=[^;,]{0,200})?,\\s*\\**\\s*){0,8}';
  const end = '\\s*[;,=)\\[:]';
  const struct = new RegExp(
    `${before}(?:struct|union)\\s+(?<tag>\\w+)\\s*${qualifiers}${others}\\b${name}\\b${end}`,
    'mu',
  );
  const typedef = new RegExp(`${before}(?<tag>[A-Za-z]\\w*_t)\\b\\s*${qualifiers}\\b${name}\\b${end}`, 'mu');
  return (struct.exec(text) ?? typedef.exec(text))?.groups?.['tag'];
}
