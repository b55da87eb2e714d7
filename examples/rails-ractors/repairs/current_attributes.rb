# frozen_string_literal: true

# Each class of CurrentAttributes finds out at the first request by which name its values are kept, and has their
# defaults in a Hash.
Repairs.add "current_attributes", upstream: "none known" do |repair|
  repair.after do
    ActiveSupport::CurrentAttributes.descendants.each do |current|
      current.send(:current_instances_key)
      own = current.instance_variables.grep(/\A@(current_instances_key|__class_attr_defaults)/)
      Repairs.share_variables(current, *own)
    end
  end
end
