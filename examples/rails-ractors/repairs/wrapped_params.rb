# frozen_string_literal: true

# What JSON params are wrapped in is found out at the first request, under a lock that each controller has.
Repairs.add "wrapped_params", upstream: "Rails #58822" do |repair|
  repair.after do
    ActionController::Metal.descendants.each do |controller|
      next unless controller.respond_to?(:_wrapper_options)

      options = controller._wrapper_options
      unless options.frozen?
        options.klass && [options.include, options.name]
        options.remove_instance_variable(:@mutex) if options.instance_variable_defined?(:@mutex)
        options.instance_variables.each { |name| options.instance_variable_set(name, true) if name.end_with?("_set") }
        Ractor.make_shareable(options)
      end
      controller._wrapper_options = options
    end
  end
end
