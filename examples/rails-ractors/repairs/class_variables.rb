# frozen_string_literal: true

# What Rails configures with mattr_accessor is in class variables, which no ractor of Ruby 4.0 but the main one may
# read. Their values won't change any more, so each reader becomes one that returns a constant.
module ClassVariables
  OWN = /\A(?:Abstract|Action|Active|Rails)\w*(?:::|\z)/

  class << self
    def repair
      name = Module.instance_method(:name)
      ObjectSpace.each_object(Module).to_a.each do |mod|
        next if mod.singleton_class? || !OWN.match?(name.bind_call(mod).to_s)

        mod.class_variables(false).each { |variable| replace(mod, variable) }
      end
    end

    private

    def replace(mod, variable)
      reader = variable.to_s.delete_prefix("@@")
      ones = { "self." => own_method(mod.singleton_class, reader), "" => own_method(mod, reader) }
      ones.select! { |_, method| method && reads?(method, variable) }
      return if ones.empty? || (value = shared(mod.class_variable_get(variable))).nil?

      constant = "SHARED_#{reader.upcase}"
      mod.const_set(constant, value.first)
      ones.each_key { |prefix| mod.module_eval("def #{prefix}#{reader} = #{constant}", __FILE__, __LINE__) }
    end

    # Private ones too.
    def own_method(mod, name)
      mod.instance_method(name) if mod.method_defined?(name, false) || mod.private_method_defined?(name, false)
    end

    # Whether it is all that the method does.
    def reads?(method, variable)
      code = RubyVM::InstructionSequence.of(method)&.to_a&.last.to_a.grep(Array)
      code.size == 2 && code.first.first(2) == [:getclassvariable, variable]
    end

    # In a list; nil where it has no way to be shared, such as a cache with a lock.
    def shared(value)
      [Ractor.make_shareable(Repairs.share_proc(value))]
    rescue Ractor::Error
      nil
    end
  end
end

Repairs.add "class_variables", upstream: "Rails #58576, #58620, #58673; Ruby 4.1, which lets them be read" do |repair|
  repair.after { ClassVariables.repair }
end
