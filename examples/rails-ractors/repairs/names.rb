# frozen_string_literal: true

# What controllers find out of themselves at the first request, and keep in instance variables of their classes.
Repairs.add "names", upstream: "none known" do |repair|
  repair.after do
    ActionController::Metal.descendants.reject(&:anonymous?).each do |controller|
      %i[controller_name controller_path action_methods _prefixes].each do |name|
        controller.public_send(name) if controller.respond_to?(name)
      end
      Repairs.share_variables(controller, :@controller_name, :@controller_path, :@action_methods, :@_prefixes)
    end
  end
end
