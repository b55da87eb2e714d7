# frozen_string_literal: true

# Each controller's `config` is an instance variable of its class.
Repairs.add "controller_config", upstream: "Rails #58647" do |repair|
  repair.after do
    [AbstractController::Base, *AbstractController::Base.descendants].each do |controller|
      Repairs.share_variables(controller, :@__class_attr_config)
    end
  end
end
