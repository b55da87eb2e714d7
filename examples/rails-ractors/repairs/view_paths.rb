# frozen_string_literal: true

# Which folders have a controller's views is in Hashes of a module.
Repairs.add "view_paths", upstream: "Rails #58640" do |repair|
  repair.after do
    Repairs.share_variables(ActionView::PathRegistry, :@view_paths_by_class, :@file_system_resolvers)
  end
end
