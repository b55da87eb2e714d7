# frozen_string_literal: true

require "rbs"

# What sig/ says, and whether Ruby's classes agree: which there are, their public methods, and how those are called.
class Signatures
  # A class or module as a signature has it, with its methods by name.
  Declared = Data.define(:name, :superclass, :instance_methods, :singleton_methods)

  # @param texts [Array<String>] what the files of signatures have
  def initialize(texts)
    @declared = {}
    texts.each do |text|
      _buffer, _directives, declarations = RBS::Parser.parse_signature(RBS::Buffer.new(name: "", content: text))
      declarations.each { |declaration| read(declaration, nil) }
    end
  end

  # @return [Array<Declared>]
  def all = @declared.values

  def [](name) = @declared[name]

  # @return [Array<String>] where what is declared is not so, in words
  def faults = all.flat_map { |declared| faults_of(declared) }

  # @param root [Module]
  # @return [Array<String>] public classes and methods in there that nothing declares
  def undeclared(root)
    modules(root).flat_map do |mod|
      next ["#{mod.name} isn't declared"] unless (declared = self[mod.name])

      instance = mod.ancestors.filter_map { |one| self[one.name]&.instance_methods&.keys }.flatten
      own(mod, instance, "#{mod.name}#") +
        own(mod.singleton_class, declared.singleton_methods.keys, "#{mod.name}.")
    end
  end

  private

  def read(declaration, outer)
    case declaration
    when RBS::AST::Declarations::Class, RBS::AST::Declarations::Module
      name = [outer, declaration.name.to_s.delete_prefix("::")].compact.join("::")
      superclass = declaration.super_class&.name&.to_s if declaration.is_a?(RBS::AST::Declarations::Class)
      declared = @declared[name] ||= Declared.new(name, superclass, {}, {})
      declaration.members.each { |member| read_member(member, declared) }
    end
  end

  def read_member(member, declared)
    case member
    when RBS::AST::Members::MethodDefinition
      types = member.overloads.map { |overload| overload.method_type.type }
      list(member.kind, declared)[member.name] = types
    when RBS::AST::Members::AttrReader then list(member.kind, declared)[member.name] = nil
    else read(member, declared.name)
    end
  end

  def list(kind, declared) = kind == :singleton ? declared.singleton_methods : declared.instance_methods

  def faults_of(declared)
    mod = Object.const_get(declared.name)
    [*superclass_fault(mod, declared),
     *method_faults(mod, declared.instance_methods, "#{declared.name}#"),
     *method_faults(mod.singleton_class, declared.singleton_methods, "#{declared.name}.")]
  rescue NameError
    ["#{declared.name} is declared, and isn't there"]
  end

  def superclass_fault(mod, declared)
    return if declared.superclass.nil? || mod.superclass.name.delete_prefix("Kino::") == declared.superclass

    "#{declared.name} < #{declared.superclass} is declared, and it is a #{mod.superclass}"
  end

  def method_faults(mod, methods, prefix)
    methods.filter_map do |name, types|
      public = mod.public_method_defined?(name) || name == :initialize
      next "#{prefix}#{name} is declared, and isn't public" unless public

      method = mod.instance_method(name)
      next if types.nil? || method.source_location.nil? # Rust's functions and Data's tell nothing of their parameters

      said, is = Call.of_types(types), Call.of_parameters(method.parameters)
      "#{prefix}#{name} is declared for #{said}, and takes #{is}" unless said.agrees?(is)
    end
  end

  # How a method can be called.
  Call = Data.define(:fewest, :most, :keywords, :any_keywords) do
    # @param types [Array<RBS::Types::Function>] overloads
    def self.of_types(types)
      most = types.map { |type| type.rest_positionals ? Float::INFINITY : count(type) + type.optional_positionals.size }
      keywords = types.flat_map { |type| type.required_keywords.keys + type.optional_keywords.keys }.uniq.sort
      new(types.map { |type| count(type) }.min, most.max, keywords, types.any?(&:rest_keywords))
    end

    def self.count(type) = type.required_positionals.size + type.trailing_positionals.size

    # @param parameters [Array<Array(Symbol, Symbol)>]
    def self.of_parameters(parameters)
      kinds = parameters.map(&:first)
      fewest = kinds.count(:req)
      most = kinds.include?(:rest) ? Float::INFINITY : fewest + kinds.count(:opt)
      keywords = parameters.filter_map { |kind, name| name if %i[key keyreq].include?(kind) }
      new(fewest, most, keywords.sort, kinds.include?(:keyrest))
    end

    # A method that takes any arguments or keywords may be declared with those that mean something.
    def agrees?(other)
      return false if any_keywords && !other.any_keywords
      return false unless keywords == other.keywords || other.any_keywords

      [fewest, most] == [other.fewest, other.most] || (other.most == Float::INFINITY && fewest >= other.fewest)
    end

    def to_s
      "#{fewest == most ? fewest : "#{fewest} to #{most}"} arguments, keywords #{keywords.inspect}" \
        "#{" and any" if any_keywords}"
    end
  end

  # Public classes and modules, the outermost first.
  def modules(root)
    nested = root.constants(false).reject { |name| root.autoload?(name) }.map { |name| root.const_get(name) }
    nested.select! { |mod| mod.is_a?(Module) && mod.name&.start_with?("#{root.name}::") && mod != root }
    shown = nested.reject { |mod| private?(*Object.const_source_location(mod.name)) }
    [root, *shown.flat_map { |mod| modules(mod) }]
  end

  def own(owner, declared, prefix)
    (owner.public_instance_methods(false) - declared).filter_map do |name|
      location = owner.instance_method(name).source_location
      "#{prefix}#{name} isn't declared" if location && !private?(*location)
    end
  end

  # Whether it is for Kino itself, as the comment above it says.
  def private?(path, line)
    return true unless path && line.positive? && File.file?(path) # Rust's

    above = File.readlines(path).first(line - 1).reverse
    above.take_while { |text| text.match?(/\A\s*#/) }.any? { |text| text.include?("@api private") }
  end
end
